"""How a report is written as text: for a terminal, as Markdown, as LaTeX."""
