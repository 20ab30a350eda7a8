"""fp8 weights in the webui's loaded model: converted, computed with, given back."""
