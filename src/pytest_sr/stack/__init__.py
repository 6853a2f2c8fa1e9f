"""The services that scenarios run on."""
