"""What a network costs: parameters, multiply-accumulates, images a second, memory."""
