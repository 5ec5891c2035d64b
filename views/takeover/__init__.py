"""The screens of lists of assets that are taken over."""
