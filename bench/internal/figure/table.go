package figure

import (
	"fmt"
	"io"
	"strings"
)

// WriteHeader writes the head of a Markdown table whose first column holds names and whose others
// hold figures.
func WriteHeader(w io.Writer, columns ...string) {
	WriteRow(w, columns...)
	fmt.Fprintln(w, "|---|"+strings.Repeat("--:|", len(columns)-1))
}

// WriteRow writes a row of a Markdown table.
func WriteRow(w io.Writer, cells ...string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}
