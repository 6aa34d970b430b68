/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is checked of a configuration beyond its own text: the files that it
 * names, and the template.
 */
#ifndef SP_PRECHECK_H
#define SP_PRECHECK_H

#include "sup.h"

/*
 * The files that a boot reads are there and are what they must be: certificate
 * roots, server program, plugins, template.  Returns 0 or an exit code, said.
 */
CHECKED int check_files(struct sup *s);

/*
 * Has prepare render the template, confined as in a boot, with a fixed text
 * for the storage key, to nowhere.  Changes nothing on this machine.  Returns
 * 0 or an exit code, said; where only root could, it says so and returns 0.
 */
CHECKED int check_template(struct sup *s);

/*
 * A first life needs the pin and a way in for humans (DESIGN P3, section 7).
 * Returns 0, or ERR_REFUSED and what to add, said: EXIT_NO_PIN or
 * EXIT_NO_WAY_IN is s->fail_code.
 */
CHECKED int check_first_life(struct sup *s);

#endif
