"""What a network runs on: device, precision, threads, attention kernel, compiler, memory."""
