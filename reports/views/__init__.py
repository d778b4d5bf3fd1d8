"""What records say of a grid, typed: grids, their arms and the arms' cells, found in output folders."""
