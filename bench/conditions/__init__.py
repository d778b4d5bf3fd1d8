"""What a network is told beside the noisy image: nothing, a label, a text."""
