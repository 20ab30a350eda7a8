"""The prompt page: its markup, and the answers to what its scripts ask."""
