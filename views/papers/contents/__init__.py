"""What is on each paper, gathered from the record and the declarations of its fields."""
