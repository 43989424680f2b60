//go:build pin

// Keeps runsc among the modules of go.mod and go.sum, which pin all that it is built of (tools/install-gvisor.sh).
package pin

import _ "gvisor.dev/gvisor/runsc"
