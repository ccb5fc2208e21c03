package caddymodule

import (
	"sync"

	"github.com/hookseal/hookseal/verifiers"
)

// processKeys returns the keys that were fetched from vendors. They are the process's, as the claims of a memory
// store are: every route, reload and changed secret would ask for them anew otherwise, and deliveries
// would wait, or fail while a vendor can't be reached. What is shared says nothing about who asked: the name of a
// key has in it with whose credentials it was asked for.
var processKeys = sync.OnceValue(func() *verifiers.KeySource {
	return verifiers.NewKeySource(verifiers.KeySourceOptions{})
})
