/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_PARAMS_H
#define DAP_PARAMS_H

#include "pool.h"

/**
 * struct dap_rule - one entry of clients=
 * @glob: matches device names, "*" and "?" as in a shell
 * @pool: name of the pool, empty for the only one there is; part of @glob until
 *	  it is known which pools there are
 */
struct dap_rule {
	char glob[64 + DAP_NAME_LEN];
	char pool[DAP_NAME_LEN];
};

/**
 * struct dap_align - one entry of max_align=
 * @bytes: no allocation is aligned to more
 * @pool:  name of the pool, empty for all of them
 */
struct dap_align {
	u64 bytes;
	char pool[DAP_NAME_LEN];
};

/**
 * struct dap_parse_error - where and why a parameter cannot be used
 * @at:  the text from where it goes wrong
 * @why: for people
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
