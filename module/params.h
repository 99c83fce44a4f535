/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_PARAMS_H
#define DAP_PARAMS_H

#include "pool.h"

/**
 * struct dap_rule - one entry of clients=
 * @glob: pattern for device names, with "*" and "?" as in a shell; "@" and the
 *        name of the pool follow until dap_policy_resolve() splits them
 * @pool: name of the pool, empty for the only one there is
 */
struct dap_rule {
	char glob[64 + DAP_NAME_LEN];
	char pool[DAP_NAME_LEN];
};

/**
 * struct dap_align - one entry of max_align=
 * @bytes: no allocation is aligned to more than this
 * @pool:  name of the pool, empty for all pools
 */
struct dap_align {
	u64 bytes;
	char pool[DAP_NAME_LEN];
};

/**
 * struct dap_parse_error - why a parameter cannot be used
 * @at:  the text from the error on
 * @why: the reason, for people
 */
struct dap_parse_error {
	const char *at;
	const char *why;
};

int dap_parse_pool(const char **text, void *entry, struct dap_parse_error *err);
int dap_parse_rule(const char **text, void *entry, struct dap_parse_error *err);
int dap_parse_align(const char **text, void *entry,
		    struct dap_parse_error *err);
bool dap_valid_name(const char *name, size_t len);
bool dap_glob_match(const char *glob, const char *name);

#endif /* DAP_PARAMS_H */
