"""One file is one feature network; each registers its `ExtractorSource`, and imports torch only to build."""
