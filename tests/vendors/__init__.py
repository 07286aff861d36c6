"""The vendors of this distribution, each proven with the test kit."""
