"""Merge methods: one small file each, all listed in ``registry``. docs/add-a-method.md shows how to add one."""
