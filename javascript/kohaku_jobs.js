// The running job: asked for twice a second, wherever it was started. What the webui's own page has to hear of its end.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const WAIT = 500;
    // Kinds that wait in the webui's queue under the job's own id, so that its bar knows them.
    const IN_QUEUE = ['merge', 'load', 'restore'];
    // Kinds that end with a new checkpoint.
    const WRITES = ['merge', 'fp8 convert', 'fp8 expand', 'fp8 import'];
    let timer = 0;
    let running = false;
    let known = null;
    let shown = '';
    let attended = false;

    function showHostBar(job) {
        const place = document.getElementById('kohaku_host_bar');
        const id = job.dataset.kohakuJob;
        if (!place || shown === id || !IN_QUEUE.includes(job.dataset.kohakuKind)) return;
        if (typeof window.requestProgress !== 'function') return;
        shown = id;
        window.requestProgress(id, place, null, function() {}, function() {});
    }

    // The list of checkpoints at the top of the webui's page hears of new files and of the chosen one from its own buttons.
    // A choice counts only if it was seen to end: by the time of a later look another checkpoint may have been chosen.
    function tellHost(job, seen) {
        const made = WRITES.includes(job.dataset.kohakuKind);
        const chosen = seen && job.dataset.kohakuCheckpoint;
        if (job.dataset.kohakuState !== 'done' || !(made || chosen)) return;
        const refresh = document.getElementById('refresh_sd_model_checkpoint');
        if (refresh) refresh.click();
        // It is the chosen one already, so nothing is loaded again.
        if (chosen && document.getElementById('change_checkpoint')) window.selectCheckpoint(chosen);
    }

    function attend(busy) {
        const outcome = kohaku.element('outcome');
        if (attended && outcome) setTimeout(() => outcome.scrollIntoView({block: 'nearest'}), 0);
        attended = attended && busy;
    }

    function inspect() {
        const job = document.querySelector('#kohaku_job .kohaku-job');
        const state = job ? job.dataset.kohakuState : '';
        const id = job ? job.dataset.kohakuJob : '';
        const busy = state === 'queued' || state === 'running';
        kohaku.tab().classList.toggle('kohaku-busy', busy);
        clearTimeout(timer);
        if (busy) {
            showHostBar(job);
            timer = setTimeout(() => kohaku.press('poll'), WAIT);
        } else if (job && (running || (known !== null && known !== id))) { // a short one ends before we look at all
            kohaku.press('ended');
            tellHost(job, running);
        }
        attend(busy);
        running = busy;
        known = id;
    }

    kohaku.jobs = {
        tellHost: tellHost,
        // A button was pressed. In a narrow window what comes of it shows far below: it is kept in sight until the end,
        // or until somebody looks elsewhere.
        began: function() {
            attended = true;
            for (const kind of ['wheel', 'touchmove', 'pointerdown']) {
                window.addEventListener(kind, () => {
                    attended = false;
                }, {once: true, passive: true});
            }
            // Also after a refusal: it may be because of a job that another page started, which this one has not seen.
            setTimeout(() => kohaku.press('poll'), 20);
            return [];
        },
        // The page shows an event's results a moment after the event.
        look: function() {
            setTimeout(inspect, 20);
            return [];
        }
    };
})();
