"""Bytes from and to disks: large transfers past the page cache where the system can, buffered where it cannot."""
