"""The page "Precision": fp8 for the loaded model and for files."""
