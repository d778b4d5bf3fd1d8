"""How samples, nearest training images and CKA maps are drawn, and what stands below them."""
