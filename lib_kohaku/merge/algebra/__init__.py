"""What a formula means: names resolved, methods written out, and for every tensor one coefficient per model."""
