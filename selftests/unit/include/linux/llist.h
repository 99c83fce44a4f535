/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's, for one thread: the last one added comes first. */
#ifndef DAP_UNIT_LINUX_LLIST_H
#define DAP_UNIT_LINUX_LLIST_H

#include <stdbool.h>
#include <stddef.h>

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

#define LLIST_HEAD(name)	struct llist_head name = { NULL }

static inline bool llist_add(struct llist_node *new, struct llist_head *head)
{
	new->next = head->first;
	head->first = new;
	return !new->next;
}

static inline struct llist_node *llist_del_all(struct llist_head *head)
{
	struct llist_node *first = head->first;

	head->first = NULL;
	return first;
}

/* The entry of @node, or NULL if there is none. */
#define llist_of(node, type, member)					\
	({								\
		struct llist_node *of_node = (node);			\
		of_node ? container_of(of_node, type, member) : NULL;	\
	})

#define llist_for_each_entry_safe(pos, n, node, member)			\
	for (pos = llist_of(node, typeof(*pos), member);		\
	     pos && (n = llist_of(pos->member.next, typeof(*pos),	\
				  member), true);			\
	     pos = n)

#endif /* DAP_UNIT_LINUX_LLIST_H */
