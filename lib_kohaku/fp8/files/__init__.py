"""fp8 in checkpoint files: recognising every scheme, converting both ways, importing from a zip, reporting."""
