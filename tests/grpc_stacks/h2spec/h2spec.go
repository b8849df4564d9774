//go:build h2spec

// Only names what is to be there.
package tools

import _ "github.com/summerwind/h2spec/cmd/h2spec"
