"""Lists of assets from other programs: their files, how they are laid out, and what their rows say."""
