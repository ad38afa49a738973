"""Scripts around the product: setting up, the services that tests need, measuring, packaging."""
