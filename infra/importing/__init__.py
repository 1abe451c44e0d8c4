"""Import of MCP servers from the files of clients, Compose, ToolHive, kmcp and the MCP registry into a stack file.

A module per format reads `Source` and drafts `Server` records, `report.py` collects what a user must know, and
`stack_text.py` writes the stack file. Nothing is run or fetched, and no value of a secret leaves the file.
"""
