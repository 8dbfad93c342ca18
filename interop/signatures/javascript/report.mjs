// A line for each check.

/** A check that passes unless it throws. */
export async function check(who, what, run) {
  try {
    await run();
    console.log(`ok   ${who}: ${what}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAIL ${who}: ${what}: ${error.message}`);
  }
}
