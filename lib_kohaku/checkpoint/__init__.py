"""Files of tensors: headers, ranged reading, streaming writing, architectures, block maps, metadata, hashes."""
