"""What looks at pages in tests."""
