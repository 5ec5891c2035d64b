"""The SOP as the editor in the browser has it: rows that are added, moved and removed, sound or not."""
