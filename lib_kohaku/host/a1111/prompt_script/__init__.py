"""What the script class adds to txt2img and img2img: words at generation, infotext and paste, axes of the plot."""
