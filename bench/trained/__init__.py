"""Ask a trained network: samples, scores, the likeness of its blocks (CKA), nearest training images."""
