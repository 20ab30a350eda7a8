"""The AUTOMATIC1111 webui (and, as far as its parts are there, its forks). Nothing outside imports ``modules``."""
