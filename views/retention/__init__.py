"""The screens of retention: rules, holds, destructions, numbers of the archive application."""
