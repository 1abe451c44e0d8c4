module github.com/meshed-mcp/stdio-launcher

go 1.24
