"""What every program shares: task files, units, bundles and the store they live in."""
