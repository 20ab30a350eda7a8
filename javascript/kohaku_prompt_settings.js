// Size and settings as the server takes and gives them, and sampler, clip skip and hires fix on the page.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const LISTS = {sampler: 'samplers', scheduler: 'schedulers', hires_upscaler: 'upscalers'};

    function whole(value, most) {
        return value !== null && value >= 1 && value <= most && Number.isInteger(value) ? value : null;
    }

    function between(value, low, high) {
        return value !== null && value >= low && value <= high ? value : null;
    }

    function hires(values) {
        if (!values.hires) return null;
        return {
            enabled: values.hires === 'on',
            upscaler: values.hires_upscaler.slice(0, 100),
            scale: between(values.hires_scale, 1, 8),
            denoising: between(values.hires_denoising, 0, 1)
        };
    }

    // What is empty, or what nobody could mean, is left out.
    prompt.settings = function() {
        const values = prompt.values();
        return {
            width: whole(values.width, 16384),
            height: whole(values.height, 16384),
            cfg: between(values.cfg, 0, 100),
            steps: whole(values.steps, 1000),
            sampler: values.sampler.slice(0, 100),
            scheduler: values.scheduler.slice(0, 100),
            clip_skip: whole(values.clip_skip, 12),
            hires: hires(values)
        };
    };

    // From a preset or an infotext to the fields; what they do not mention stays.
    prompt.changesOf = function(found) {
        const changes = Object.assign({}, found.size || {});
        for (const key of ['cfg', 'steps', 'clip_skip']) if (found[key] !== null) changes[key] = found[key];
        for (const key of ['sampler', 'scheduler']) if (found[key]) changes[key] = found[key];
        if (!found.hires) return changes;
        changes.hires = found.hires.enabled ? 'on' : 'off';
        if (found.hires.upscaler) changes.hires_upscaler = found.hires.upscaler;
        if (found.hires.scale !== null) changes.hires_scale = found.hires.scale;
        if (found.hires.denoising !== null) changes.hires_denoising = found.hires.denoising;
        return changes;
    };

    function fill(profile) {
        const values = prompt.values();
        if (values.clip_skip === null && profile.clip_skip !== null) prompt.element('clip_skip').value = String(profile.clip_skip);
        if (!values.sampler && profile.sampler) prompt.element('sampler').value = profile.sampler;
    }

    function showUpscalers(values) {
        const profile = prompt.profile;
        const chips = profile.upscalers.map(function(found) {
            const pressed = values.hires === 'on' && values.hires_upscaler === found.name;
            const why = 'Against ' + profile.against + (found.present ? '' : '; it is not in this webui');
            return prompt.button(found.name, why, function() {
                prompt.apply(pressed ? {hires: 'off'} : {hires: 'on', hires_upscaler: found.name}, 'hires fix');
            }, {class: 'kohaku-prompt-chip', 'aria-pressed': String(pressed)});
        });
        prompt.element('upscalers').replaceChildren(...chips);
    }

    function show(values) {
        showUpscalers(values);
        const more = prompt.element('hires_upscaler').closest('.kohaku-prompt-hires-more');
        more.hidden = values.hires !== 'on';
    }

    function finding(found) {
        const notice = prompt.notice(found.message + ' ', 'warning');
        const wanted = Object.values(found.better).join('\u00d7');
        notice.append(prompt.button('Set ' + wanted, 'Changes nothing else', function() {
            prompt.apply(found.better, wanted);
        }, {class: 'kohaku-prompt-fix'}));
        return notice;
    }

    prompt.pieces.push({
        start: function() {
            Object.assign(prompt.element('clip_skip'), {min: 1, max: 12, step: 1});
            Object.assign(prompt.element('hires_scale'), {min: 1, max: 4, step: 0.05});
            Object.assign(prompt.element('hires_denoising'), {min: 0, max: 1, step: 0.05});
        },
        profile: function(profile) {
            fill(profile);
            show(prompt.values());
            for (const [name, list] of Object.entries(LISTS)) {
                prompt.element(name + '_names').replaceChildren(
                    ...prompt.opened.host[list].map((text) => prompt.make('option', {value: text})));
            }
        },
        changed: function(values) {
            if (prompt.profile) show(values);
        },
        checks: function(answer) {
            prompt.element('settings_findings').replaceChildren(...answer.settings.map(finding));
        }
    });
})();
