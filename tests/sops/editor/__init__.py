"""Tests of the editor of SOPs."""
