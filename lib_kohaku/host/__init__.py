"""Where the extension runs: in a webui, or on its own. The only ring that imports the webui's ``modules``."""
