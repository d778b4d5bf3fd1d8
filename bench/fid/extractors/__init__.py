"""One file is one feature network; each registers a `bench.fid.extractor.Source` and imports torch only to build it."""
