"""The merge page: formula and plan, recipes, simple mode, block weights, output, jobs, history."""
