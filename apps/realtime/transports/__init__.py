"""How clients reach the hub: one module or package for each protocol."""
