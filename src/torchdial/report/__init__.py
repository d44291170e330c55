"""Widgets as one offline HTML file."""
