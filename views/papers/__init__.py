"""The papers of a request and of an SOP: their contents, their layouts, and the PDF that typst makes of both."""
