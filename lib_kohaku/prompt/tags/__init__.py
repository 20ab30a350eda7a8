"""Tags: reading lists of any usual layout, an index over them, searching, implications and the user's own use."""
