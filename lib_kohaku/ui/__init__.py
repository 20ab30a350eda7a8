"""The Kohaku tab in gradio. Gets a workbench and a host, never touches the webui's ``modules``."""
