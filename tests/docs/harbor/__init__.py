"""A made-up sixth vendor: the code that docs/adding-a-vendor.rst shows."""
