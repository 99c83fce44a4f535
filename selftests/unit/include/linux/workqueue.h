/* SPDX-License-Identifier: GPL-2.0 */
/* The test has the queue: works run when it says. */
#ifndef DAP_UNIT_LINUX_WORKQUEUE_H
#define DAP_UNIT_LINUX_WORKQUEUE_H

#include <stdbool.h>

struct work_struct;
struct workqueue_struct;

typedef void (*work_func_t)(struct work_struct *work);

struct work_struct {
	work_func_t func;
};

#define WQ_UNBOUND	2

#define INIT_WORK(work, function)	((work)->func = (function))

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags,
					 int max_active);
void destroy_workqueue(struct workqueue_struct *wq);
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
/* The system's, which is none. */
#define schedule_work(work)	queue_work(NULL, work)
bool flush_work(struct work_struct *work);
struct work_struct *current_work(void);

#endif /* DAP_UNIT_LINUX_WORKQUEUE_H */
