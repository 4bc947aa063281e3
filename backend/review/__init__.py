"""What a second person decides of a submitted reading: agree, agree with edits, or send back."""
