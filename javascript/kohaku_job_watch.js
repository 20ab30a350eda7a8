// A job that a page shows: asked for twice a second while it runs, and its end told once, wherever it was started.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const WAIT = 500;
    const told = new Set();

    // Kinds that end with a new checkpoint.
    const WRITES = ['merge', 'fp8 convert', 'fp8 expand', 'fp8 import'];

    // The list of checkpoints at the top of the webui's page hears of new files and of the chosen one from its own buttons;
    // never of both at once: while the webui lists its files it knows none, and takes the first one for the chosen one.
    // A choice counts only if it was seen to end: by the time of a later look another checkpoint may have been chosen.
    function tellHost(job, seen) {
        const made = WRITES.includes(job.dataset.kohakuKind);
        const chosen = seen && job.dataset.kohakuCheckpoint;
        if (job.dataset.kohakuState !== 'done' || told.has(job.dataset.kohakuJob) || !(made || chosen)) return;
        told.add(job.dataset.kohakuJob); // two pages show the jobs of one list
        const refresh = document.getElementById('refresh_sd_model_checkpoint');
        if (made) {
            if (refresh) refresh.click();
        } else if (document.getElementById('change_checkpoint')) {
            window.selectCheckpoint(chosen); // it is the chosen one already, so nothing is loaded again
        }
    }

    // job: the element that shows it; busy: the tab's class while it runs; poll, ended: buttons to press;
    // running(job), after(busy): what else the page does.
    kohaku.watchJob = function(page) {
        let timer = 0;
        let busy = false;
        let known = null;

        function inspect() {
            const box = kohaku.element(page.job);
            const job = box && box.querySelector('.kohaku-job');
            const state = job ? job.dataset.kohakuState : '';
            const id = job ? job.dataset.kohakuJob : '';
            const running = state === 'queued' || state === 'running';
            kohaku.tab().classList.toggle(page.busy, running);
            clearTimeout(timer);
            if (running) {
                if (page.running) page.running(job);
                timer = setTimeout(() => kohaku.press(page.poll), WAIT);
            } else if (job && (busy || (known !== null && known !== id))) { // a short one ends before we look at all
                for (const name of page.ended) kohaku.press(name);
                tellHost(job, busy);
            }
            if (page.after) page.after(running);
            busy = running;
            known = id;
        }

        // The page shows an event's results a moment after the event.
        return function() {
            setTimeout(inspect, 20);
            return [];
        };
    };
})();
