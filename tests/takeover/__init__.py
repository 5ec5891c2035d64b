"""Lists of assets from other programs are taken over."""
