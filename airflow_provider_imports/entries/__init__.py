"""The vendors of this distribution, each as its entry."""
