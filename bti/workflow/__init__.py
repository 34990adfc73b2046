"""The model as data: definitions, the checks that make them safe, and the machines that run them."""
